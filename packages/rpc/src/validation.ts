import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { Fault } from "@plinth/kernel";

/** Checks requests against the buf.validate rules of their proto. Throws Fault invalid_argument that names every field. */
export function createRequestValidation(): (schema: DescMessage, message: Message) => void {
  const validator: Validator = createValidator();
  return (schema, message) => {
    const result = validator.validate(schema, message);
    if (result.kind === "valid") return;
    if (result.kind === "error")
      throw new Error(`rules of ${schema.typeName} cannot be evaluated`, { cause: result.error });
    const violations = result.violations.map((violation) => {
      const field = violation.field.flatMap((part) => ("name" in part ? [part.name] : [])).join(".");
      return { field, text: `${field ? `${field}: ` : ""}${violation.message}` };
    });
    throw new Fault({
      code: "invalid_argument",
      reason: "REQUEST_INVALID",
      message: violations.map((violation) => violation.text).join("; "),
      details: { fields: violations.map((violation) => violation.field).join(",") },
    });
  };
}
