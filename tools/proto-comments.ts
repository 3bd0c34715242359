// A plugin of buf: writes the comments of proto files into one module for each package, because generated code has none of
// them as data. Only packages with RPCs that have a path (google.api.http) need them: their OpenAPI documents do.
import { buffer } from "node:stream/consumers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
} from "@bufbuild/protobuf/wkt";
import { commentModules } from "./proto-comments/comment-modules.ts";

const request = fromBinary(CodeGeneratorRequestSchema, await buffer(process.stdin));
const wanted = new Set(request.fileToGenerate);
const file = commentModules(request.protoFile.filter(({ name }) => wanted.has(name)));
const supportedFeatures = BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL);
process.stdout.write(
  toBinary(CodeGeneratorResponseSchema, create(CodeGeneratorResponseSchema, { file, supportedFeatures })),
);
