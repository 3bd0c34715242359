/** Where the gateway listens when nothing else does. */
export const preferredGatewayPort = 8080;

/** Where PostgreSQL listens when nothing else does; not 5432, which a PostgreSQL of the machine's own would have. */
export const preferredPostgresPort = 54_320;
