export { renderCompose } from "./compose/render-compose.ts";
export {
  type BundleOptions,
  bundleProgram,
  bundleService,
  entryPoint,
  packagesInside,
  packagesOutside,
} from "./local/bundle.ts";
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "./local/embedded-postgres.ts";
export { createProgram } from "./program.ts";
export { type VerifyOptions, verifyPlatform } from "./verify/verify-platform.ts";
