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
      const { pid, home } = await context.status();
      return { status: "ok", message: `process ${pid} runs the platform on ${home}` };
    },
  },
  {
    category,
    name: "state",
    anchor: "local-state",
    hint: "see plinth status for what is not ready",
    needs: [controlName],
    async run(context) {
      const { state } = await context.status();
      if (state === "ready") return { status: "ok", message: "the platform is ready" };
      const hint = "wait until it is ready: plinth check --wait 60s";
      if (state === "starting") return { status: "failed", message: "the platform is still starting", hint };
      if (state === "stopping")
        return { status: "failed", message: "the platform is stopping", hint: "start it again" };
      return { status: "warning", message: "the built-in check failed; it is repeated every 30 s" };
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
