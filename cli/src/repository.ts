import path from "node:path";

/** The folder that holds services/, packages/ and this CLI. */
export const repository: string = path.resolve(import.meta.dirname, "../..");

/** Where the local substrate keeps its data unless --data says otherwise. */
export const defaultHome: string = path.join(repository, ".plinth");
