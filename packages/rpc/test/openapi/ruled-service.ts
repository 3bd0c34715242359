import { createFileRegistry, createRegistry, type DescService, fromJson, type JsonObject } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
} from "@bufbuild/protobuf/wkt";
import { field as fieldRules, message, oneof } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { http } from "@plinth/proto/google/api/annotations";

const rule = (type: string, rules: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...(type.startsWith(".") ? { type: "TYPE_MESSAGE", typeName: type } : { type: `TYPE_${type}` }),
  options: { "[buf.validate.field]": rules },
  ...more,
});
const repeated = { label: "LABEL_REPEATED" };
const color = { typeName: ".ruled.v1.Color" };
const optional = { proto3Optional: true };

/** Fields of all kinds of rules, by their names. */
const fields: Record<string, JsonObject> = {
  id: rule("STRING", { string: { uuid: true } }),
  email: rule("STRING", { string: { email: true, maxLen: "254" } }),
  link: rule("STRING", { string: { uri: true } }, optional),
  title: rule("STRING", { string: { minLen: "1", maxLen: "80", pattern: "^[^<>]*$" } }),
  code: rule("STRING", { string: { prefix: "a.", suffix: "z", pattern: "^(?s).*$" } }, optional),
  size_text: rule("STRING", { string: { minBytes: "9", maxBytes: "100" } }, optional),
  choice: rule("STRING", { string: { in: ["", "x", "y"] } }),
  address: rule("STRING", { string: { ip: true } }, optional),
  count: rule("INT32", { int32: { gte: 0, lte: 200 } }),
  weight: rule("DOUBLE", { double: { gt: 0.5, lt: 9 } }),
  big: rule("INT64", { int64: { gte: "0", lt: "9007199254740993" } }),
  either_side: rule("UINT32", { uint32: { lt: 3, gt: 7 } }),
  color: rule("ENUM", { enum: { definedOnly: true, notIn: [0] } }, color),
  colors: rule(
    "ENUM",
    { repeated: { minItems: "1", maxItems: "3", unique: true, items: { enum: { in: [1, 2] } } } },
    { ...repeated, ...color },
  ),
  key: rule("BYTES", { bytes: { len: "32" } }, optional),
  labels: rule(
    ".ruled.v1.Ruled.LabelsEntry",
    { map: { maxPairs: "32", keys: { string: { minLen: "1" } }, values: { string: { maxLen: "9" } } } },
    repeated,
  ),
  until: rule(".google.protobuf.Timestamp", { required: true, timestamp: { gtNow: true } }),
  limit: rule(".google.protobuf.Duration", { duration: { lte: "60s" } }),
  extra: rule(".google.protobuf.Any", { any: { in: ["type.googleapis.com/ruled.v1.Ruled"] } }),
  maybe: rule("STRING", { ignore: "IGNORE_IF_ZERO_VALUE", string: { email: true } }),
  sworn: rule("BOOL", { bool: { const: true } }),
  odd: rule("INT32", { cel: [{ id: "odd", message: "must be odd", expression: "this % 2 == 1" }] }, optional),
  child: rule(".ruled.v1.Ruled", {}),
  left: rule("STRING", { string: { maxLen: "5" } }, { oneofIndex: 0 }),
  right: rule("BOOL", {}, { oneofIndex: 0 }),
  old: { type: "TYPE_STRING", options: { deprecated: true } },
};

const jsonName = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const synthetic = Object.entries(fields).filter(([, one]) => one["proto3Optional"] === true);

/** A file with a message whose fields have rules of every kind. */
const file: JsonObject = {
  name: "ruled/v1/ruled.proto",
  package: "ruled.v1",
  syntax: "proto3",
  dependency: ["any", "duration", "timestamp"].map((name) => `google/protobuf/${name}.proto`),
  enumType: [
    {
      name: "Color",
      value: ["COLOR_UNSPECIFIED", "COLOR_RED", "COLOR_BLUE"].map((name, number) => ({ name, number })),
    },
  ],
  messageType: [
    {
      name: "Ruled",
      options: { "[buf.validate.message]": { cel: [{ id: "both", message: "not both at once", expression: "true" }] } },
      field: Object.entries(fields).map(([name, one], at) => ({
        ...{ name, number: at + 1, label: "LABEL_OPTIONAL", jsonName: jsonName(name) },
        ...one,
        ...(one["proto3Optional"] ? { oneofIndex: 1 + synthetic.findIndex(([other]) => other === name) } : {}),
      })),
      oneofDecl: [
        { name: "side", options: { "[buf.validate.oneof]": { required: true } } },
        ...synthetic.map(([name]) => ({ name: `_${name}` })),
      ],
      nestedType: [
        {
          name: "LabelsEntry",
          options: { mapEntry: true },
          field: ["key", "value"].map((name, at) => ({
            ...{ name, number: at + 1, label: "LABEL_OPTIONAL", type: "TYPE_STRING", jsonName: name },
          })),
        },
      ],
    },
  ],
  service: [
    {
      name: "RuledService",
      method: [
        ["Save", { post: "/ruled/v1/things", body: "*" }, {}],
        ["Change", { patch: "/ruled/v1/things/{id}", body: "*" }, {}],
        ["Find", { get: "/ruled/v1/things" }, { deprecated: true }],
        ["Internal", undefined, {}],
      ].map(([name, binding, more]) => ({
        ...{ name, inputType: ".ruled.v1.Ruled", outputType: ".ruled.v1.Ruled" },
        options: { ...(binding === undefined ? {} : { "[google.api.http]": binding }), ...(more as JsonObject) },
      })) as JsonObject[],
    },
  ],
};

export function ruledService(version = "v1"): DescService {
  const text = JSON.stringify(file)
    .replaceAll("ruled.v1", `ruled.${version}`)
    .replaceAll("ruled/v1", `ruled/${version}`);
  const proto = fromJson(FileDescriptorProtoSchema, JSON.parse(text), {
    registry: createRegistry(http, fieldRules, message, oneof),
  });
  const wellKnown = [file_google_protobuf_any, file_google_protobuf_duration, file_google_protobuf_timestamp];
  const registry = createFileRegistry({
    $typeName: FileDescriptorSetSchema.typeName as "google.protobuf.FileDescriptorSet",
    file: [...wellKnown.map((one) => one.proto), proto],
  });
  return registry.getService(`ruled.${version}.RuledService`) as DescService;
}
