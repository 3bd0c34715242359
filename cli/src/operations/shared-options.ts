import { type Command, Option } from "commander";

/** Names a cluster. Given, the command means Kubernetes; `always` says so by itself. */
export const onCluster = (command: Command, always: boolean): Command =>
  named(command.option("--cluster", "on Kubernetes, whatever runs on this machine", always));

/** The same for a command that knows Kubernetes only. */
export const named = (command: Command): Command =>
  command
    .option("--kubeconfig <file>", "instead of KUBECONFIG and ~/.kube/config")
    .option("--context <name>", "of the kubeconfig, instead of its current one")
    .option("-n, --namespace <name>", "instead of the context's");

export const output = (): Option =>
  new Option("-o, --output <format>", "for a person or for a program").choices(["text", "json"]).default("text");
