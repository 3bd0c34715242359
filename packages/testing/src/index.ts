export { eventually } from "./eventually.ts";
export { createFakeClock, type FakeClock } from "./fake-clock.ts";
export { kafkaMissing, testKafka } from "./kafka/test-kafka.ts";
export { type RunningPostgres, startPostgres } from "./postgres/start-postgres.ts";
export { createTestDatabase, type TestDatabase } from "./postgres/test-database.ts";
export { createSeededRandom } from "./seeded-random.ts";
export { certificateBetween, type SelfSignedCertificate, selfSignedCertificate } from "./self-signed-certificate.ts";
export { startTcpProxy, type TcpProxy, type TcpProxyOptions } from "./tcp-proxy.ts";
