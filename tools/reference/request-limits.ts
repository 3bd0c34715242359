import { globSync } from "node:fs";
import path from "node:path";
import { type DescField, type DescFile, type DescMessage, getOption, hasOption } from "@bufbuild/protobuf";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { root } from "../run.ts";
import { writeCount, writeSize } from "./write-units.ts";

/** The limits of request fields in the proto files (buf.validate), fields of services' own messages only. */
export async function requestLimits(): Promise<{ field: string; limit: string }[]> {
  const files = globSync("proto/gen/plinth/*/v1/*_pb.ts", { cwd: root }).toSorted();
  const found = files.map(async (file) => {
    const exported: Record<string, unknown> = await import(path.join(root, file));
    return Object.values(exported).filter(isFile).flatMap(ofFile);
  });
  return (await Promise.all(found)).flat();
}

const isFile = (value: unknown): value is DescFile =>
  value !== null && typeof value === "object" && (value as { kind?: unknown }).kind === "file";

const ofFile = (file: DescFile): { field: string; limit: string }[] => file.messages.flatMap(ofMessage);

function ofMessage(message: DescMessage): { field: string; limit: string }[] {
  const own = message.fields.flatMap((field) => {
    const limit = limitOf(field);
    return limit ? [{ field: `${message.typeName.replace("plinth.", "")}.${field.name}`, limit }] : [];
  });
  return [...own, ...message.nestedMessages.flatMap(ofMessage)];
}

function limitOf(field: DescField): string | undefined {
  if (!hasOption(field, fieldRules)) return undefined;
  const { type } = getOption(field, fieldRules);
  const parts: string[] = [];
  if (type.case === "string" || type.case === "bytes") {
    const { maxLen, maxBytes } = type.value as { maxLen: bigint; maxBytes?: bigint };
    if (maxLen)
      parts.push(type.case === "bytes" ? writeSize(Number(maxLen)) : `${writeCount(Number(maxLen))} characters`);
    if (maxBytes) parts.push(writeSize(Number(maxBytes)));
  } else if (type.case === "repeated" && type.value.maxItems)
    parts.push(`${writeCount(Number(type.value.maxItems))} items`);
  else if (type.case === "map") {
    if (type.value.maxPairs) parts.push(`${writeCount(Number(type.value.maxPairs))} entries`);
    for (const [name, rules] of [
      ["key", type.value.keys],
      ["value", type.value.values],
    ] as const) {
      const length = rules?.type.case === "string" ? rules.type.value.maxLen : 0n;
      if (length) parts.push(`${name} ${writeCount(Number(length))} characters`);
    }
  } else if (type.case === "int32" && type.value.lessThan.case === "lte")
    parts.push(`at most ${writeCount(type.value.lessThan.value)}`);
  return parts.length > 0 ? parts.join(", ") : undefined;
}
