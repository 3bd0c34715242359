import syntax from "@openfga/syntax-transformer";
import { Fault } from "@plinth/kernel";
import { moduleFault, type SourceLine } from "./module-text.ts";

/** The parts of OpenFGA's JSON model that we read. */
export interface ParsedRewrite {
  this?: object;
  computedUserset?: { relation: string };
  tupleToUserset?: { tupleset: { relation: string }; computedUserset: { relation: string } };
  union?: { child: ParsedRewrite[] };
  intersection?: { child: ParsedRewrite[] };
  difference?: { base: ParsedRewrite; subtract: ParsedRewrite };
}

export interface ParsedRestriction {
  type: string;
  relation?: string;
  wildcard?: object;
  condition?: string;
}

export interface ParsedType {
  type: string;
  relations?: Record<string, ParsedRewrite>;
  metadata?: { relations?: Record<string, { directly_related_user_types?: ParsedRestriction[] }> } | null;
}

export interface ParsedParameter {
  type_name: string;
  generic_types?: ParsedParameter[];
}

export interface ParsedCondition {
  name: string;
  expression: string;
  parameters?: Record<string, ParsedParameter>;
}

export interface ParsedModel {
  type_definitions: ParsedType[];
  conditions?: Record<string, ParsedCondition>;
}

interface LineError {
  msg: string;
  line?: { start: number };
}

const header: readonly string[] = ["model", "  schema 1.1"];
const reportedErrorsMax = 5;

/** Parses the lines of all modules as one model and checks every reference. Throws Fault MODEL_INVALID with module and line. */
export function parseDsl(lines: readonly SourceLine[]): ParsedModel {
  const dsl = `${[...header, ...lines.map((line) => line.text)].join("\n")}\n`;
  try {
    syntax.validator.validateDSL(dsl);
    return syntax.transformer.transformDSLToJSONObject(dsl) as ParsedModel;
  } catch (err) {
    throw explain(err, lines);
  }
}

function explain(err: unknown, lines: readonly SourceLine[]): Fault {
  const errors = (err as { errors?: LineError[] }).errors;
  if (!Array.isArray(errors) || errors.length === 0)
    return new Fault({
      code: "invalid_argument",
      reason: "MODEL_INVALID",
      message: "the model cannot be parsed",
      cause: err,
    });
  const faults = errors.slice(0, reportedErrorsMax).map((error) => {
    const line = lines[(error.line?.start ?? 0) - header.length] ?? lines.at(-1);
    return moduleFault(line?.module ?? "?", line?.line, `${error.msg}${hint(line)}`);
  });
  const [first] = faults as [Fault];
  const message = faults.map((fault) => fault.message).join("; ");
  return new Fault({ code: first.code, reason: first.reason, message, details: first.details, cause: err });
}

function hint(line: SourceLine | undefined): string {
  const operators = new Set(line?.text.match(/\b(or|and|but not)\b/g));
  return operators.size > 1 ? ' (put parentheses around mixed "or", "and" and "but not")' : "";
}
