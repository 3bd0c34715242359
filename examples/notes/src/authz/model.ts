/** What this service adds to the permission model, in the OpenFGA language, schema 1.1. The type `user` is the platform's. */
export const model = `model
  schema 1.1

type note
  relations
    define owner: [user]
    define viewer: [user]
    define can_read: viewer or owner
    define can_share: owner
    define can_delete: owner
`;
