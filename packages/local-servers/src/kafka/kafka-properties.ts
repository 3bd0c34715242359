export interface KafkaProperties {
  port: number;
  controllerPort: number;
  /** Folder of the log. */
  data: string;
  /** Replace those below. */
  more: Readonly<Record<string, string>>;
}

/** server.properties of one broker that is its own controller, for one machine: few threads, one copy, quick elections. */
export function kafkaProperties({ port, controllerPort, data, more }: KafkaProperties): string {
  return lines({
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "log.dirs": data,
    // Topics are declared by those who publish.
    "auto.create.topics.enable": false,
    ...internalTopics,
    ...threads,
    ...quickElections,
    // Nobody waits here for more members that might come.
    "group.initial.rebalance.delay.ms": 0,
    "log.cleaner.dedupe.buffer.size": 2_097_152,
    "log.cleaner.io.buffer.size": 65_536,
    ...more,
  });
}

const internalTopics = Object.fromEntries(
  ["offsets.topic", "transaction.state.log", "share.coordinator.state.topic"].flatMap((topic) => [
    [`${topic}.num.partitions`, 1],
    [`${topic}.replication.factor`, 1],
    ...(topic === "offsets.topic" ? [] : [[`${topic}.min.isr`, 1]]),
  ]),
);

const threads = {
  "num.network.threads": 1,
  "num.io.threads": 2,
  "background.threads": 2,
  "log.cleaner.threads": 1,
  "num.recovery.threads.per.data.dir": 1,
};

/** A broker that was killed is let in again after its session, and waits for the next heartbeat before it serves. */
const quickElections = {
  "broker.heartbeat.interval.ms": 200,
  "broker.session.timeout.ms": 9_000,
  "controller.quorum.election.timeout.ms": 200,
  "controller.quorum.election.backoff.max.ms": 200,
};

export const kafkaLogging = lines({
  status: "error",
  "appender.console.type": "Console",
  "appender.console.name": "console",
  "appender.console.layout.type": "PatternLayout",
  "appender.console.layout.pattern": "%d{ISO8601} %p %m (%c{1})%n",
  "rootLogger.level": "warn",
  "rootLogger.appenderRef.console.ref": "console",
});

function lines(settings: Record<string, string | number | boolean>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
