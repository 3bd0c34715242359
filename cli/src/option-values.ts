import { parseDurationMs } from "@plinth/kernel";
import { InvalidArgumentError } from "commander";

/** Reads a whole number within bounds; for an option's value. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`);
  };
}

/** Reads a duration such as 90s or 5m into milliseconds; for an option's value. */
export function duration(text: string): number {
  try {
    return parseDurationMs(text);
  } catch {
    throw new InvalidArgumentError("must be a duration such as 60s or 5m");
  }
}
