// Fetches Kafka, for scripts that prepare a machine.
import { installKafka } from "./install-kafka.ts";

process.stdout.write(`Kafka is in ${await installKafka()}\n`);
