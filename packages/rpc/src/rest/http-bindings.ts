import { type DescField, type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "@plinth/proto/google/api/annotations";
import type { HttpRule } from "@plinth/proto/google/api/http";
import { fieldNamed, isLeaf } from "./message-fields.ts";
import { type PathTemplate, parsePathTemplate } from "./path-template.ts";

/** One way to call an RPC over HTTP, as its `google.api.http` option says. */
export interface HttpBinding {
  /** Of HTTP, in upper case; `*` for all. */
  method: string;
  template: PathTemplate;
  rpc: DescMethod;
  /** Which part of the request the body is: none, all of it, or one field. */
  body: "none" | "all" | DescField;
  /** The field of the response that is answered in its place. */
  responseBody: DescField | undefined;
}

/** All bindings of a service. Throws Error that names the RPC whose option cannot be followed. */
export function httpBindingsOf(service: DescService): HttpBinding[] {
  return service.methods.flatMap((rpc) => {
    if (!hasOption(rpc, http)) return [];
    const rule = getOption(rpc, http);
    try {
      return [rule, ...rule.additionalBindings].map((one) => toBinding(rpc, one));
    } catch (err) {
      throw new Error(`google.api.http of ${service.typeName}.${rpc.name}: ${(err as Error).message}`, { cause: err });
    }
  });
}

function toBinding(rpc: DescMethod, rule: HttpRule): HttpBinding {
  if (rpc.methodKind === "client_streaming" || rpc.methodKind === "bidi_streaming")
    throw new Error("a stream of requests cannot be sent over REST");
  const { method, path } = patternOf(rule);
  const template = parsePathTemplate(path);
  for (const variable of template.variables) checkVariable(rpc, variable.path);
  if (rule.body !== "" && (method === "GET" || method === "HEAD")) throw new Error(`${method} has no body`);
  return {
    method,
    template,
    rpc,
    body: rule.body === "" ? "none" : rule.body === "*" ? "all" : bodyField(rpc, rule.body),
    responseBody: rule.responseBody === "" ? undefined : namedField(rpc.output.fields, rule.responseBody),
  };
}

function patternOf({ pattern }: HttpRule): { method: string; path: string } {
  if (pattern.case === undefined) throw new Error("it has no path");
  if (pattern.case === "custom") return { method: pattern.value.kind.toUpperCase(), path: pattern.value.path };
  return { method: pattern.case.toUpperCase(), path: pattern.value };
}

function checkVariable(rpc: DescMethod, path: readonly string[]): void {
  const name = path.join(".");
  const field = fieldNamed(rpc.input, path);
  if (field === undefined) throw new Error(`the path's {${name}} is no field of ${rpc.input.typeName}`);
  if (field.fieldKind === "list" || field.fieldKind === "map" || !isLeaf(field))
    throw new Error(`the path's {${name}} is not a single value`);
}

function bodyField(rpc: DescMethod, name: string): DescField {
  const field = namedField(rpc.input.fields, name);
  if (field.fieldKind === "map") throw new Error(`the body ${name} is a map`);
  return field;
}

function namedField(fields: readonly DescField[], name: string): DescField {
  const field = fields.find((one) => one.name === name);
  if (field === undefined) throw new Error(`there is no field ${name}`);
  return field;
}
