import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import path from "node:path";

/** Collects a service's output. At `maxBytes` the file becomes `NAME.1` and a new one begins. */
export interface LogFile {
  readonly file: string;
  /**
   * Lines without their line ends. Nothing is kept in memory, so a crash of this process loses nothing. Lines that cannot be
   * written (the disk is full, somebody removed the folder) are lost: services go on without their log.
   */
  append(lines: readonly string[]): void;
  close(): void;
}

const defaultMaxBytes = 20 * 1024 * 1024;

export function openLogFile(file: string, maxBytes: number = defaultMaxBytes): LogFile {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  let descriptor: number | undefined;
  let sizeBytes = 0;

  function open(): number {
    descriptor = openSync(file, "a", 0o600);
    sizeBytes = statSync(file).size;
    return descriptor;
  }

  function close(): void {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }

  function write(lines: readonly string[]): void {
    const chunk = Buffer.from(`${lines.join("\n")}\n`);
    let fd = descriptor ?? open();
    if (sizeBytes > 0 && sizeBytes + chunk.length > maxBytes) {
      close();
      renameSync(file, `${file}.1`);
      fd = open();
    }
    writeSync(fd, chunk);
    sizeBytes += chunk.length;
  }

  return {
    file,
    close,
    append(lines) {
      if (lines.length === 0) return;
      try {
        write(lines);
      } catch {
        // It may be possible again with the next lines.
      }
    },
  };
}
