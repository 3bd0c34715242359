/** Limits of the permission service. Each protects the process from one request or one module of the model. */
export const limits = {
  /** UTF-8 bytes of "type:id". The column and the proto agree. */
  objectBytesMax: 256,
  /** UTF-8 bytes of "type:id#relation". */
  subjectBytesMax: 512,
  typeNameMax: 100,
  relationNameMax: 50,
  /** Same number as OpenFGA's default, so that a model that works there works here. */
  resolutionStepsMax: 25,
  /** Distinct object#relation pairs that one check may visit. */
  checkNodesMax: 20_000,
  /** Stored relationships that one check may read. */
  checkRelationshipsMax: 20_000,
  /** (object, relation) pairs in one read of the store. */
  readBatchMax: 500,
  /** Writes plus deletes of one request, as in OpenFGA. */
  changesMax: 100,
  modulesMax: 200,
  moduleBytesMax: 65_536,
  typesMax: 500,
  relationsPerTypeMax: 100,
  /** Operators in one relation's definition. */
  rewriteNodesMax: 100,
  /** Open parentheses or brackets at one place of a module: the parser recurses. */
  nestingMax: 32,
  conditionsMax: 100,
  conditionParametersMax: 50,
  conditionExpressionBytesMax: 2_048,
  /** JSON bytes of a condition's parameters, in a relationship or in a request. */
  conditionContextBytesMax: 32_768,
  conditionContextDepthMax: 16,
} as const;
