import { connect } from "node:net";
import {
  type ConsumerGroups,
  createPostgresConsumerGroups,
  createPostgresDeadLetters,
  type DeadLetters,
} from "@plinth/bus";
import { silentLogger, systemRandom } from "@plinth/kernel";
import { type NamedBus, readBus } from "../../events/named-bus.ts";
import { type Check, type Finding, messageOf } from "../check.ts";
import type { LocalContext } from "./local-context.ts";
import { controlName } from "./platform-checks.ts";

const category = "events";
const busCheck = "bus";
const dialTimeoutMs = 2_000;
/** A group that is further behind than this does not keep up. */
const waitingMax = 1_000;

/** The event bus, who is behind on it, and what was given up. */
export const eventChecks: readonly Check<LocalContext>[] = [
  {
    category,
    name: busCheck,
    anchor: "local-bus",
    hint: "start Kafka again, or correct its address; events wait in the outbox meanwhile and none is lost",
    needs: [controlName],
    run: reachable,
  },
  {
    category,
    name: "consumers",
    anchor: "local-consumers",
    hint: "see plinth events groups, and the log of the service that consumes",
    needs: [busCheck],
    run: consumers,
  },
  {
    category,
    name: "dead letters",
    anchor: "local-dead-letters",
    hint: "see plinth events dlq list; correct the consumer, then plinth events replay --dlq",
    needs: [busCheck],
    run: deadLetters,
  },
];

async function reachable(context: LocalContext): Promise<Finding> {
  const bus = await readBus(await context.bus());
  if (bus.driver === "postgres") {
    const groups = await openGroups(bus, context);
    await groups.list().finally(() => groups.close());
    return { status: "ok", message: "the bus is in PostgreSQL and answers" };
  }
  const tried = await Promise.all(bus.settings.brokers.map(dial));
  const refusals = tried.filter((problem) => problem !== undefined);
  const message = `${tried.length - refusals.length} of ${tried.length} brokers of Kafka answer`;
  if (refusals.length === 0) return { status: "ok", message };
  const status = refusals.length === tried.length ? "failed" : "warning";
  return { status, message: `${message}: ${refusals.join("; ")}` };
}

/** Why a broker's port cannot be reached; undefined when it can. */
function dial(address: string): Promise<string | undefined> {
  const at = address.lastIndexOf(":");
  const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)), timeout: dialTimeoutMs });
  return new Promise<string | undefined>((resolve) => {
    socket.once("connect", () => resolve(undefined));
    socket.once("timeout", () => resolve(`${address}: no answer within ${dialTimeoutMs / 1000} s`));
    socket.once("error", (err) => resolve(`${address}: ${messageOf(err)}`));
  }).finally(() => socket.destroy());
}

async function consumers(context: LocalContext): Promise<Finding> {
  const groups = await openGroups(await readBus(await context.bus()), context);
  const lags = await groups.list().finally(() => groups.close());
  const behind = lags.filter(({ waiting, members }) => waiting > waitingMax || (waiting > 0 && members === 0));
  if (behind.length === 0) return { status: "ok", message: `${lags.length} groups keep up` };
  const lines = behind.map(
    ({ group, topic, waiting, members }) =>
      `${group}: ${waiting} events of ${topic} wait${members === 0 ? ", and nobody consumes" : ""}`,
  );
  return { status: "warning", message: lines.join("\n") };
}

async function deadLetters(context: LocalContext): Promise<Finding> {
  const letters = await openLetters(await readBus(await context.bus()), context);
  const found = await letters.list({}).finally(() => letters.close());
  if (found.length === 0) return { status: "ok", message: "no event was given up" };
  const groups = [...new Set(found.map(({ group }) => group))].join(", ");
  const newest = found.at(-1)?.error ?? "";
  return { status: "warning", message: `${found.length} events were given up by ${groups}; the newest: ${newest}` };
}

async function openGroups(bus: NamedBus, { clock }: LocalContext): Promise<ConsumerGroups> {
  const logger = silentLogger;
  if (bus.driver === "postgres") return createPostgresConsumerGroups({ url: bus.url, logger, clock });
  const { createKafkaConsumerGroups } = await import("@plinth/bus/kafka");
  return createKafkaConsumerGroups({ settings: bus.settings, logger });
}

async function openLetters(bus: NamedBus, { clock }: LocalContext): Promise<DeadLetters> {
  const tools = { logger: silentLogger, clock, random: systemRandom };
  if (bus.driver === "postgres") return createPostgresDeadLetters({ ...tools, url: bus.url });
  const { createKafkaDeadLetters } = await import("@plinth/bus/kafka");
  return createKafkaDeadLetters({ ...tools, settings: bus.settings });
}
