import { CelScalar, celEnv, celFunc, celMethod, isCelError, parse, plan } from "@bufbuild/cel";
import { Fault } from "@plinth/kernel";
import { limits } from "../limits.ts";
import type { ParsedCondition, ParsedParameter } from "../model/parse-dsl.ts";
import { quote } from "../relationship/entity.ts";
import type { JsonObject } from "../relationship/relationship.ts";
import type { Condition, ConditionOutcome, ParameterType } from "./condition.ts";
import { inspectExpression } from "./inspect-expression.ts";
import { inCidr } from "./network.ts";
import { toParameterValue } from "./parameter-value.ts";

const environment = celEnv({
  funcs: [
    celMethod("in_cidr", CelScalar.STRING, [CelScalar.STRING], CelScalar.BOOL, function (cidr) {
      return inCidr(String(this), cidr);
    }),
    celFunc("ipaddress", [CelScalar.STRING], CelScalar.STRING, (address) => address),
  ],
});

/** Compiles a condition once; throws what `fail` makes of the problem when the expression cannot be right. */
export function compileCondition(parsed: ParsedCondition, fail: (problem: string) => Fault): Condition {
  const { name, expression } = parsed;
  if (Buffer.byteLength(expression) > limits.conditionExpressionBytesMax)
    throw fail(`condition "${name}" is longer than ${limits.conditionExpressionBytesMax} bytes`);
  const entries = Object.entries(parsed.parameters ?? {});
  if (entries.length > limits.conditionParametersMax)
    throw fail(`condition "${name}" has more than ${limits.conditionParametersMax} parameters`);
  const parameters = new Map(entries.map(([key, type]) => [key, toParameterType(type)]));
  const run = compileExpression(name, expression, parameters, fail);
  return {
    name,
    parameters,
    validateContext: (context) => validateContext(name, parameters, context),
    evaluate(stored, requested): ConditionOutcome {
      const bindings: Record<string, ReturnType<typeof toParameterValue>> = {};
      let missing: string | undefined;
      for (const [key, type] of parameters) {
        const source = Object.hasOwn(stored, key) ? stored : requested;
        const value = Object.hasOwn(source, key) ? source[key] : undefined;
        if (value === undefined) missing ??= key;
        else {
          try {
            bindings[key] = toParameterValue(type, value);
          } catch (err) {
            return badParameter(name, key, err as Error);
          }
        }
      }
      // An expression such as "a || b" may be decided without b.
      const outcome = run(bindings);
      return missing !== undefined && typeof outcome !== "boolean" ? missingParameter(name, missing) : outcome;
    },
  };
}

type Bindings = Parameters<ReturnType<typeof plan>>[0];

function compileExpression(
  name: string,
  expression: string,
  parameters: ReadonlyMap<string, ParameterType>,
  fail: (problem: string) => Fault,
): (bindings: Bindings) => ConditionOutcome {
  try {
    const ast = parse(expression);
    const problem = inspectExpression(ast.expr, new Set(parameters.keys()));
    if (problem) throw new Error(problem);
    const evaluate = plan(environment, ast);
    return (bindings) => {
      const result = evaluate(bindings);
      if (typeof result === "boolean") return result;
      return new Fault({
        code: "invalid_argument",
        reason: "CONDITION_FAILED",
        message: isCelError(result)
          ? `condition "${name}" cannot be evaluated with these parameters: ${result.message}`
          : `condition "${name}" gives ${typeof result} instead of true or false`,
        details: { condition: name },
      });
    };
  } catch (err) {
    throw fail(`condition "${name}": ${(err as Error).message}`);
  }
}

function validateContext(name: string, parameters: ReadonlyMap<string, ParameterType>, context: JsonObject): void {
  if (Buffer.byteLength(JSON.stringify(context)) > limits.conditionContextBytesMax)
    throw new Fault({
      code: "invalid_argument",
      reason: "CONDITION_CONTEXT_TOO_LARGE",
      message: `parameters of condition "${name}" are larger than ${limits.conditionContextBytesMax} bytes`,
    });
  for (const [key, value] of Object.entries(context)) {
    const type = parameters.get(key);
    if (!type) throw badParameter(name, key, new Error(`is not one of ${[...parameters.keys()].join(", ")}`));
    try {
      toParameterValue(type, value);
    } catch (err) {
      throw badParameter(name, key, err as Error);
    }
  }
}

function toParameterType(parsed: ParsedParameter): ParameterType {
  const name = parsed.type_name.replace("TYPE_NAME_", "").toLowerCase() as ParameterType["name"];
  const [element] = parsed.generic_types ?? [];
  return { name, element: element && toParameterType(element) };
}

const missingParameter = (name: string, key: string): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "CONDITION_PARAMETER_MISSING",
    message: `condition "${name}" needs parameter "${key}": send it in the request's context`,
    details: { condition: name, parameter: key },
  });

const badParameter = (name: string, key: string, err: Error): Fault =>
  new Fault({
    code: "invalid_argument",
    reason: "CONDITION_PARAMETER_INVALID",
    message: `parameter ${quote(key)} of condition "${name}" ${err.message}`,
    details: { condition: name },
  });
