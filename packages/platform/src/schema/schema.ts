/** A rule in the Common Expression Language, evaluated by the API server and by `validate` alike. */
export interface CelRule {
  /** `self` is the value at this place of the schema; a rule that names `oldSelf` runs on updates only. */
  rule: string;
  /** What the author of a manifest is told. */
  message: string;
}

/**
 * The part of OpenAPI v3 that Kubernetes accepts in a CustomResourceDefinition ("structural schema"), as data.
 * There is no `pattern`: a CEL rule says the same and carries a message that a person can act on.
 */
export interface Schema {
  readonly type?: "object" | "array" | "string" | "integer" | "boolean";
  readonly description?: string;
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  /** Makes the object a map whose values have this schema. */
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly format?: "int32" | "int64" | "date-time";
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic";
  readonly "x-kubernetes-validations"?: readonly CelRule[];
}

type RequiredName<S, Filled extends boolean> = S extends { required: readonly (infer R)[] }
  ? R | DefaultedName<S, Filled>
  : DefaultedName<S, Filled>;

type DefaultedName<S, Filled extends boolean> = Filled extends true
  ? S extends { properties: infer P }
    ? { [K in keyof P]: P[K] extends { default: unknown } ? K : never }[keyof P]
    : never
  : never;

type Flat<T> = { [K in keyof T]: T[K] };

/** The TypeScript type that a schema describes; with `Filled`, properties that have a default are always there. */
export type ValueOf<S, Filled extends boolean = false> = S extends { enum: readonly (infer E)[] }
  ? E
  : S extends { "x-kubernetes-int-or-string": true }
    ? number | string
    : S extends { type: "string" }
      ? string
      : S extends { type: "integer" }
        ? number
        : S extends { type: "boolean" }
          ? boolean
          : S extends { type: "array"; items: infer I }
            ? ValueOf<I, Filled>[]
            : S extends { properties: infer P }
              ? Flat<
                  { [K in keyof P as K extends RequiredName<S, Filled> ? K : never]: ValueOf<P[K], Filled> } & {
                    [K in keyof P as K extends RequiredName<S, Filled> ? never : K]?: ValueOf<P[K], Filled>;
                  }
                >
              : S extends { additionalProperties: infer A }
                ? Record<string, ValueOf<A, Filled>>
                : unknown;
