export { decodeBase64, encodeBase64 } from "./base64.ts";
export { canonicalJson, type Json } from "./canonical-json.ts";
export { type Checkpoint, formatCheckpoint, openCheckpoint, parseCheckpoint } from "./checkpoint.ts";
export {
  type Binding,
  commitTo,
  commitToBytes,
  decodeLeaf,
  type EntryLeaf,
  encodeLeaf,
  opensTo,
  saltBytes,
} from "./entry-leaf.ts";
export {
  type ExportedEntry,
  type Opening,
  parseExportedEntry,
  parseObject,
  verifyOpenings,
} from "./exported-entry.ts";
export { emptyRoot, type Hash, hashBytes, leafHash, nodeHash, sameHash, sha256 } from "./hash.ts";
export {
  cosignatureTimeS,
  formatNote,
  formatSignature,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatures,
  signText,
  verifyNote,
  verifySignature,
} from "./note.ts";
export {
  formatKeyId,
  formatNoteKey,
  type NoteKey,
  type NoteSigner,
  noteKey,
  parseNoteKey,
  signatureTypes,
  signerFromSeed,
} from "./note-key.ts";
export { formatProofFile, type ProofFile, parseHashes, parseProofFile, verifyProofFile } from "./proof-file.ts";
export { type HashReader, proveConsistency, proveInclusion, treeRoot } from "./prove.ts";
export { joinHashes, type Node, nodesOf, type Range } from "./range.ts";
export { createRootStack, type RootStack } from "./root-stack.ts";
export {
  createTileReader,
  hashAt,
  parseTilePath,
  type TileId,
  tilePath,
  tileWidth,
  widthInTree,
} from "./tile.ts";
export { createTreeEdge, edgeTiles, type Tile, type TreeEdge } from "./tree-edge.ts";
export { type Consistency, type Inclusion, verifyConsistency, verifyInclusion } from "./verify.ts";
export { type ExportVerdict, type VerifyExportOptions, verifyExport } from "./verify-export.ts";
export { formatWitnessRequest, parseWitnessRequest, type WitnessRequest } from "./witness.ts";
