export { type Permissions, partialService, startPeers } from "./peers.ts";
export {
  type As,
  type PublishedEvent,
  type ServiceFixture,
  type StartServiceOptions,
  startService,
} from "./start-service.ts";
export { createTestTokens, type TestTokens } from "./test-tokens.ts";
