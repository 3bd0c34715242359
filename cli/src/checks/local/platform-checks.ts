import { statfs } from "node:fs/promises";
import type { Check, Finding } from "../check.ts";
import { diskFinding } from "../disk.ts";
import type { LocalContext } from "./local-context.ts";

const category = "platform";
export const controlName = "control socket";

/** Whether the platform runs, and each of its processes. */
export const platformChecks: readonly Check<LocalContext>[] = [
  {
    category,
    name: controlName,
    anchor: "local-control-socket",
    hint: "start the platform with npm start; with --data name the folder of the one that runs",
    async run(context) {
      const { state, pid, home } = await context.status();
      const message = `process ${pid} runs the platform on ${home}, state ${state}`;
      if (state === "ready") return { status: "ok", message };
      const hint =
        state === "starting"
          ? "wait until it is ready: plinth check --wait 60s"
          : "see plinth status for what is not ready";
      return { status: state === "degraded" ? "warning" : "failed", message, hint };
    },
  },
  {
    category,
    name: "disk",
    anchor: "local-disk",
    hint: "free at least 1 GiB; plinth down and plinth up --data move nothing by themselves",
    run: async ({ paths }) => diskFinding(await statfs(paths.home), paths.home),
  },
  {
    category: "services",
    name: "instances",
    anchor: "local-instances",
    hint: "see plinth logs SERVICE, correct what it says, then plinth restart SERVICE",
    needs: [controlName],
    run: instances,
  },
];

async function instances(context: LocalContext): Promise<Finding[]> {
  const { services } = await context.status();
  return services.flatMap((service) =>
    service.instances.map(({ label, state, port, restarts, problems }): Finding => {
      const hint = `see plinth logs ${service.name}, correct what it says, then plinth restart ${service.name}`;
      const why = problems.length > 0 ? `: ${problems.join("; ")}` : "";
      if (state !== "ready") return { status: "failed", message: `${label} is ${state}${why}`, hint };
      if (restarts > 0) return { status: "warning", message: `${label} serves, after ${restarts} restarts`, hint };
      return { status: "ok", message: `${label} serves on port ${port}` };
    }),
  );
}
