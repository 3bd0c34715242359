import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { userCache } from "../user-cache.ts";

const run = promisify(execFile);

/** Apache Kafka as Maven Central has it; needs Java 17. */
export const kafkaVersion = "4.2.0";
// Kafka's libraries log through SLF4J 1.7, and its own artefacts bring no binding.
const loggingVersion = "2.25.3";
const javaMajorMin = 17;
const downloadTimeoutMs = 600_000;

/** Why Kafka cannot run on this machine, with what to do about it. Undefined when it can. */
export async function kafkaProblem(directory = kafkaDirectory()): Promise<string | undefined> {
  const major = await javaMajor();
  if (major === undefined) {
    return `Kafka needs Java ${javaMajorMin} or newer, and there is no java here: install it (Debian: apt-get install default-jre-headless)`;
  }
  if (major < javaMajorMin)
    return `Kafka needs Java ${javaMajorMin} or newer, and java is ${major}: install a newer one`;
  if ((await hasLibraries(directory)) || (await answers("mvn", "--version"))) return undefined;
  return "Kafka is fetched with Maven, and there is no mvn here: install it (Debian: apt-get install maven)";
}

/** Where Kafka's libraries are kept, for all clones of this user. */
export function kafkaDirectory(): string {
  return userCache(process.env, "plinth-servers", `kafka-${kafkaVersion}`);
}

/**
 * Folder with Kafka's jars; fetches them at the first use (45 MB). It appears whole or not at all: several processes may
 * install at once. Throws an error for a person when Java or Maven is missing or the download fails.
 */
export async function installKafka(directory = kafkaDirectory()): Promise<string> {
  const problem = await kafkaProblem(directory);
  if (problem !== undefined) throw new Error(problem);
  if (!(await hasLibraries(directory))) await download(directory);
  return path.join(directory, "libs");
}

async function download(directory: string): Promise<void> {
  await mkdir(path.dirname(directory), { recursive: true });
  const partial = await mkdtemp(`${directory}.`);
  try {
    await writeFile(path.join(partial, "pom.xml"), pom);
    const args = ["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs"];
    await run("mvn", args, { cwd: partial, timeout: downloadTimeoutMs }).catch((err) => {
      const output = String(err.stdout || err.stderr || err.message).trim();
      throw new Error(`Maven could not fetch Kafka ${kafkaVersion}; is a registry reachable?\n${output}`);
    });
    await rename(partial, directory).catch(async (err) => {
      // Somebody else was faster; theirs is as good.
      if (!(await hasLibraries(directory))) throw err;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function hasLibraries(directory: string): Promise<boolean> {
  const found = await readdir(path.join(directory, "libs")).catch(() => []);
  return found.some((name) => name.startsWith("kafka_"));
}

async function javaMajor(): Promise<number | undefined> {
  const text = await answers("java", "-version");
  const version = /version "(?:1\.)?(\d+)/.exec(text ?? "")?.[1];
  return version === undefined ? undefined : Number(version);
}

async function answers(command: string, argument: string): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(command, [argument], { timeout: 30_000 });
    return stdout + stderr || " ";
  } catch {
    return undefined;
  }
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.plinth</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${loggingVersion}</version></dependency>
  </dependencies>
</project>
`;
