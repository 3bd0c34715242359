import { createFileRegistry, createRegistry, type DescService, fromJson, type JsonObject } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { http } from "@plinth/proto/google/api/annotations";

const field = (number: number, name: string, type: string, more: JsonObject = {}): JsonObject => ({
  ...{ name, number, label: "LABEL_OPTIONAL" },
  jsonName: name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  ...(type.startsWith(".") ? { type: "TYPE_MESSAGE", typeName: type } : { type: `TYPE_${type}` }),
  ...more,
});
const repeated = { label: "LABEL_REPEATED" };
const rpc = (name: string, rule: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...{ name, inputType: ".library.v1.Everything", outputType: ".library.v1.Everything", ...more },
  options: { "[google.api.http]": rule },
});

const wkt = ".google.protobuf.";
const everything = [
  field(1, "name", "STRING"),
  field(2, "count", "INT32"),
  field(3, "big", "INT64"),
  field(4, "unsigned", "UINT64"),
  field(5, "ratio", "DOUBLE"),
  field(6, "on", "BOOL"),
  field(7, "data", "BYTES"),
  field(8, "kind", "ENUM", { typeName: ".library.v1.Kind" }),
  field(9, "tags", "STRING", repeated),
  field(10, "numbers", "INT32", repeated),
  field(11, "kinds", "ENUM", { ...repeated, typeName: ".library.v1.Kind" }),
  field(12, "nested", ".library.v1.Everything"),
  field(13, "items", ".library.v1.Everything", repeated),
  field(14, "start_time", `${wkt}Timestamp`),
  field(15, "time_limit", `${wkt}Duration`),
  field(16, "update_mask", `${wkt}FieldMask`),
  field(17, "maybe_text", `${wkt}StringValue`),
  field(18, "maybe_big", `${wkt}Int64Value`),
  field(19, "maybe_on", `${wkt}BoolValue`),
  field(20, "maybe_data", `${wkt}BytesValue`),
  field(21, "free", `${wkt}Struct`),
  field(22, "labels", ".library.v1.Everything.LabelsEntry", repeated),
  field(23, "times", `${wkt}Timestamp`, repeated),
  field(24, "left", "STRING", { oneofIndex: 0 }),
  field(25, "right", "STRING", { oneofIndex: 0 }),
  field(26, "small", "FLOAT"),
];

/** A file with one message that has a field of every kind, and a service with a rule of every kind. */
const file: JsonObject = {
  name: "library/v1/library.proto",
  package: "library.v1",
  syntax: "proto3",
  dependency: ["any", "duration", "field_mask", "struct", "timestamp", "wrappers"].map(
    (name) => `google/protobuf/${name}.proto`,
  ),
  enumType: [
    {
      name: "Kind",
      value: [
        { name: "KIND_UNSPECIFIED", number: 0 },
        { name: "KIND_BOOK", number: 1 },
        { name: "KIND_FILM", number: 2 },
      ],
    },
  ],
  messageType: [
    {
      name: "Everything",
      field: everything,
      oneofDecl: [{ name: "side" }],
      nestedType: [
        {
          name: "LabelsEntry",
          options: { mapEntry: true },
          field: [field(1, "key", "STRING"), field(2, "value", "STRING")],
        },
      ],
    },
  ],
  service: [
    {
      name: "LibraryService",
      method: [
        rpc("Get", { get: "/library/v1/things/{name}" }),
        rpc("GetDeep", { get: "/library/v1/deep/{nested.name}/{nested.count}" }),
        rpc("Path", {
          get: "/library/v1/{name=shelves/**}",
          additionalBindings: [{ post: "/library/v1/paths", body: "*" }],
        }),
        rpc("Create", { post: "/library/v1/things", body: "*" }),
        rpc("Update", { patch: "/library/v1/things/{name}", body: "*" }),
        rpc("Put", { put: "/library/v1/things/{name}", body: "nested" }),
        rpc("PutAll", { put: "/library/v1/items", body: "items" }),
        rpc("Delete", { delete: "/library/v1/things/{name}", responseBody: "nested" }),
        rpc("Purge", { custom: { kind: "PURGE", path: "/library/v1/things" } }),
        rpc("List", { get: "/library/v1/things" }),
        rpc("Watch", { get: "/library/v1/things:watch" }, { serverStreaming: true }),
        rpc("ByNumber", { get: "/library/v1/numbers/{big}/{kind}/{on}/{data}/{start_time}" }),
      ],
    },
  ],
};

/** The descriptor of a service with these methods in place of the above ones. */
export function libraryService(methods?: JsonObject[]): DescService {
  const own = structuredClone(file) as { service: [JsonObject] } & JsonObject;
  if (methods) own.service[0]["method"] = methods;
  const proto = fromJson(FileDescriptorProtoSchema, own, { registry: createRegistry(http) });
  const wellKnown = [
    file_google_protobuf_any,
    file_google_protobuf_duration,
    file_google_protobuf_field_mask,
    file_google_protobuf_struct,
    file_google_protobuf_timestamp,
    file_google_protobuf_wrappers,
  ].map((one) => one.proto);
  const registry = createFileRegistry({
    $typeName: FileDescriptorSetSchema.typeName as "google.protobuf.FileDescriptorSet",
    file: [...wellKnown, proto],
  });
  return registry.getService("library.v1.LibraryService") as DescService;
}

export { rpc as libraryRpc };
