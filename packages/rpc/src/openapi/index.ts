export {
  answerDocument,
  type DocumentAnswer,
  type DocumentRequest,
  type KeptDocument,
  keptDocument,
} from "./kept-document.ts";
export { type OpenApiOptions, openApiDocument } from "./openapi-document.ts";
export { openApiPage } from "./page/openapi-page.ts";
export { securitySchemes } from "./rest-components.ts";
export { keptPage } from "./service-documents.ts";
