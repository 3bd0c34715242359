/** A JSON Schema, as far as the chart's values need it. */
export interface ValueSchema {
  type?: string | string[];
  enum?: readonly unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  format?: string;
  items?: ValueSchema;
  properties?: Record<string, ValueSchema>;
  propertyNames?: ValueSchema;
  required?: readonly string[];
  additionalProperties?: boolean | ValueSchema;
  description?: string;
}

/** A value that people may set: what it means, what it is by default, what it may be. */
export interface Value {
  doc: string;
  fallback: unknown;
  schema: ValueSchema;
}

export interface ValueGroup {
  doc: string;
  values: Record<string, Value | ValueGroup>;
}

export const isGroup = (entry: Value | ValueGroup): entry is ValueGroup => "values" in entry;

export const group = (doc: string, values: ValueGroup["values"]): ValueGroup => ({ doc, values });

export const text = (doc: string, fallback = "", schema: ValueSchema = {}): Value => ({
  doc,
  fallback,
  schema: { type: "string", ...schema },
});

export const flag = (doc: string, fallback: boolean): Value => ({ doc, fallback, schema: { type: "boolean" } });

export const whole = (doc: string, fallback: number, limits: { minimum: number; maximum: number }): Value => ({
  doc,
  fallback,
  schema: { type: "integer", ...limits },
});

export const oneOf = (doc: string, fallback: string, values: readonly string[]): Value => ({
  doc,
  fallback,
  schema: { type: "string", enum: values },
});

export const list = (doc: string, fallback: unknown[], items: ValueSchema): Value => ({
  doc,
  fallback,
  schema: { type: "array", items },
});

/** As Kubernetes defines it, or with values of one kind; the API server knows what is right. */
export const map = (doc: string, fallback: object = {}, schema: ValueSchema = {}): Value => ({
  doc,
  fallback,
  schema: { type: "object", ...schema },
});
