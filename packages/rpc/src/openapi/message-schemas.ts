import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  hasOption,
  type JsonObject,
  toJson,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import {
  MessageRulesSchema,
  message as messageRules,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { ProtoComments } from "./proto-comments.ts";
import { celNotes, innerRules, ruleKeywords, rulesOf } from "./rule-keywords.ts";
import { scalarSchemas, wellKnownSchema } from "./well-known-schemas.ts";

/**
 * Where a message stands. Requests are held to the rules of their protos and to their fields; in answers every field is
 * there that is not optional, and later versions may add some.
 */
export type Use = "request" | "response";

export interface MessageSchemas {
  /** A reference to the message's schema, or that schema when it is a well-known type. */
  message(message: DescMessage, use: Use): JsonObject;
  /** The message's own schema, without the fields of these names (of the proto). */
  object(message: DescMessage, use: Use, without?: ReadonlySet<string>): JsonObject;
  /** `description` off: where another place tells it. */
  field(field: DescField, use: Use, options?: { description: boolean }): JsonObject;
  /** Proto names of the fields that a request cannot do without. */
  required(message: DescMessage): ReadonlySet<string>;
  /** What was referred to so far, by name in order of the alphabet. */
  components(): JsonObject;
}

export interface MessageSchemasOptions {
  /** Messages of these and within them are both in requests and in answers: there are two schemas of them. */
  requests: readonly DescMessage[];
  responses: readonly DescMessage[];
  comments: ProtoComments;
}

/** JSON Schemas (draft 2020-12) of the ProtoJSON of messages. A component has the message's full name. */
export function createMessageSchemas({ requests, responses, comments }: MessageSchemasOptions): MessageSchemas {
  const inRequests = reachedFrom(requests);
  const inResponses = reachedFrom(responses);
  const components = new Map<string, JsonObject>();
  const validator = createValidator();
  const requiredFields = new Map<DescMessage, ReadonlySet<string>>();

  /** What the validator misses in an empty message: one source for the rules and for this. */
  function required(message: DescMessage): ReadonlySet<string> {
    let found = requiredFields.get(message);
    if (found === undefined) {
      const result = validator.validate(message, create(message));
      const missing = result.kind === "invalid" ? result.violations : [];
      found = new Set(
        missing.flatMap(({ field: [first, ...rest] }) => (first && rest.length === 0 ? nameOf(first) : [])),
      );
      requiredFields.set(message, found);
    }
    return found;
  }

  function component(name: string, make: () => JsonObject): JsonObject {
    if (!components.has(name)) {
      // Taken before it is made: it may refer to itself.
      components.set(name, {});
      components.set(name, make());
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  function message(desc: DescMessage, use: Use): JsonObject {
    const known = wellKnownSchema(desc);
    if (known !== undefined) return known;
    const isBoth = inRequests.has(desc) && inResponses.has(desc);
    const name = use === "request" && isBoth ? `${desc.typeName}.Input` : desc.typeName;
    return component(name, () => object(desc, use));
  }

  function object(desc: DescMessage, use: Use, without: ReadonlySet<string> = new Set()): JsonObject {
    const fields = desc.fields.filter(({ name }) => !without.has(name));
    const needed = use === "request" ? required(desc) : undefined;
    const names = fields
      .filter((one) => needed?.has(one.name) ?? isAlwaysAnswered(one))
      .map(({ jsonName }) => jsonName);
    const notes = use === "request" ? messageNotes(desc) : [];
    const oneofs = desc.oneofs.flatMap((one) => oneofSchema(one, use, without));
    return {
      type: "object",
      ...described(comments[desc.typeName], notes),
      properties: Object.fromEntries(fields.map((one) => [one.jsonName, field(one, use)])),
      ...(names.length > 0 ? { required: names } : {}),
      ...(oneofs.length > 0 ? { allOf: oneofs } : {}),
      ...(use === "request" ? { additionalProperties: false } : {}),
      ...(desc.deprecated ? { deprecated: true } : {}),
    };
  }

  function field(desc: DescField, use: Use, options = { description: true }): JsonObject {
    const rules = use === "request" ? rulesOf(desc) : {};
    const { schema, notes } = valueSchema(desc, use, rules);
    const text = options.description ? described(comments[`${desc.parent.typeName}.${desc.name}`], notes) : {};
    return { ...schema, ...text, ...(desc.deprecated ? { deprecated: true } : {}) };
  }

  function valueSchema(desc: DescField, use: Use, rules: JsonObject): { schema: JsonObject; notes: readonly string[] } {
    const own = ruleKeywords(rules, desc.enum);
    if (desc.fieldKind === "list") {
      const items = ruleKeywords(innerRules(rules, "items"), desc.enum);
      const each = withKeywords(single(desc, use), items.keywords);
      return { schema: { type: "array", items: each, ...own.keywords }, notes: [...own.notes, ...items.notes] };
    }
    if (desc.fieldKind === "map") {
      const keys = ruleKeywords(innerRules(rules, "keys"));
      const values = ruleKeywords(innerRules(rules, "values"), desc.enum);
      const schema: JsonObject = {
        type: "object",
        ...(Object.keys(keys.keywords).length > 0 ? { propertyNames: keys.keywords } : {}),
        additionalProperties: withKeywords(single(desc, use), values.keywords),
        ...own.keywords,
      };
      return { schema, notes: [...own.notes, ...values.notes] };
    }
    return { schema: withKeywords(single(desc, use), own.keywords), notes: own.notes };
  }

  /** Of one value: the field's own, an item of its list or a value of its map. */
  function single(desc: DescField, use: Use): JsonObject {
    if (desc.message !== undefined) return message(desc.message, use);
    if (desc.enum !== undefined) return enumeration(desc.enum);
    return desc.scalar === undefined ? {} : scalarSchemas[desc.scalar];
  }

  function enumeration(desc: DescEnum): JsonObject {
    if (desc.typeName === "google.protobuf.NullValue") return { type: "null" };
    return component(desc.typeName, () => {
      const values = desc.values.flatMap(({ name }) => {
        const comment = comments[`${desc.typeName}.${name}`];
        return comment === undefined ? [] : [`- \`${name}\`: ${comment}`];
      });
      const text = [comments[desc.typeName], values.join("\n")].filter(Boolean).join("\n\n");
      return { type: "string", ...described(text, []), enum: desc.values.map(({ name }) => name) };
    });
  }

  return {
    message,
    object,
    field,
    required,
    components: () => Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** At most one field of a oneof, or exactly one where the rules say so. */
function oneofSchema(oneof: DescOneof, use: Use, without: ReadonlySet<string>): JsonObject[] {
  if (oneof.fields.some(({ name }) => without.has(name))) return [];
  const alternatives: JsonObject[] = oneof.fields.map(({ jsonName }) => ({ required: [jsonName] }));
  const isRequired = use === "request" && hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required;
  return [{ oneOf: isRequired ? alternatives : [...alternatives, { not: { anyOf: alternatives } }] }];
}

/** With a union of types the keywords are its numbers': rules exclude NaN. */
function withKeywords(schema: JsonObject, keywords: JsonObject): JsonObject {
  const [number] = (schema["oneOf"] ?? []) as JsonObject[];
  return number !== undefined && Object.keys(keywords).length > 0
    ? { ...number, ...keywords }
    : { ...schema, ...keywords };
}

/** Rules over several fields. */
const messageNotes = (message: DescMessage): string[] =>
  hasOption(message, messageRules)
    ? celNotes(toJson(MessageRulesSchema, getOption(message, messageRules)) as JsonObject)
    : [];

const nameOf = (part: { kind: string; name?: string }): string[] =>
  part.kind === "field" && part.name !== undefined ? [part.name] : [];

/** Answers are written with these even when they are empty. */
const isAlwaysAnswered = ({ fieldKind, presence, oneof }: DescField): boolean =>
  fieldKind === "list" ||
  fieldKind === "map" ||
  (presence === FeatureSet_FieldPresence.IMPLICIT && oneof === undefined);

/** Comment and notes as Markdown (CommonMark). */
export function described(comment: string | undefined, notes: readonly string[]): { description?: string } {
  const text = [comment, notes.join(" ")].filter(Boolean).join("\n\n");
  return text === "" ? {} : { description: text };
}

function reachedFrom(messages: readonly DescMessage[]): Set<DescMessage> {
  const reached = new Set<DescMessage>();
  const visit = (message: DescMessage): void => {
    if (reached.has(message)) return;
    reached.add(message);
    for (const { message: inner } of message.fields) if (inner) visit(inner);
  };
  for (const message of messages) visit(message);
  return reached;
}
