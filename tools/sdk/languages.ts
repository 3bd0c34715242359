import { execFileSync } from "node:child_process";
import { goProgram } from "../go-program.ts";
import { publicProtos } from "./public-protos.ts";

/** A language that code is generated for: what buf is told, and what must be there for it. */
export interface Language {
  name: string;
  /** Folders that hold nothing but generated code, relative to the repository. */
  folders: readonly string[];
  /** Why it cannot be generated on this machine, with what to do about it. */
  problem(): string | undefined;
  /** Plugins of buf.gen.yaml, version 2. */
  plugins(): object[];
  /** Protos of the language alone, with the plugins for them. */
  ownProtos?: { directory: string; plugins: object[] };
}

/** Go's plugins are as old as its runtime at the least: see sdk/go/go.mod. */
const protocGenGo = "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12";
const protocGenConnectGo = "connectrpc.com/connect/cmd/protoc-gen-connect-go@v1.21.1";
/** Debian 12's. Its code runs with every later runtime of Python, code of a later one not with Debian's. */
const protocVersion = "libprotoc 3.21.12";

/** What clients have no use for: rules and paths are the server's, the password check is between services. */
const exclude_types = [
  "buf.validate",
  "google.api",
  ...["VerifyPasswordRequest", "VerifyPasswordResponse", "IdentityService.VerifyPassword"].map(
    (name) => `plinth.identity.v1.${name}`,
  ),
];
/** Go has these in a module that everybody shares, Python a form of its own (sdk/python/proto): a name can be taken once in a program. */
const errorDetails = "google.rpc";

/** The protos name no Go package: they are not Go's alone. "proto/plinth/auth/v1/auth.proto" is in package authv1. */
function goPackage(file: string): string {
  const proto = file.replace(/^proto\/(vendor\/)?/, "");
  const folder = proto.slice(0, proto.lastIndexOf("/"));
  return `M${proto}=plinth.dev/go/gen/${folder};${folder.split("/").slice(-2).join("")}`;
}

const output = (program: string, ...args: string[]): string | undefined => {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
};

const pythonMessages = ["python", "pyi"].map((builtin) => ({ protoc_builtin: builtin, out: "sdk/python" }));
const domains = ["audit", "auth", "authz", "identity"];

export const languages: readonly Language[] = [
  {
    name: "TypeScript",
    folders: ["sdk/typescript/src/gen"],
    problem: () => undefined,
    plugins: () => [
      {
        local: "protoc-gen-es",
        out: "sdk/typescript/src/gen",
        opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
        exclude_types,
      },
    ],
  },
  {
    name: "Go",
    folders: ["sdk/go/gen"],
    problem: () => (output("go", "version") ? undefined : "Go is missing: install Go 1.26 or later"),
    plugins: () =>
      [protocGenGo, protocGenConnectGo].map((module) => ({
        local: goProgram(module),
        out: "sdk/go/gen",
        opt: ["paths=source_relative", ...publicProtos.map(goPackage)],
        exclude_types: [...exclude_types, errorDetails],
      })),
  },
  {
    name: "Python",
    folders: [...domains.map((domain) => `sdk/python/plinth/${domain}`), "sdk/python/plinth/sdk"],
    problem() {
      const found = output("protoc", "--version") ?? "nothing";
      if (found !== protocVersion)
        return `protoc must be ${protocVersion} of Debian 12's protobuf-compiler, found ${found}`;
      if (output("sh", "-c", "command -v grpc_python_plugin") === undefined)
        return "grpc_python_plugin is missing: install Debian's protobuf-compiler-grpc";
      return undefined;
    },
    plugins: () =>
      [...pythonMessages, { local: "grpc_python_plugin", out: "sdk/python" }].map((plugin) => ({
        ...plugin,
        exclude_types: [...exclude_types, errorDetails],
      })),
    ownProtos: { directory: "sdk/python/proto", plugins: pythonMessages },
  },
];
