export { kafkaSettings } from "./open-bus.ts";
export { busConfig, kafkaBusConfig, postgresBusConfig } from "./service-config.ts";
