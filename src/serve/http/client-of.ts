import type { IncomingMessage } from 'node:http';

/** Who asks, for a pause that others see: `a client at 127.0.0.1`. What a client says of itself may be anything. */
export const clientOf = ({ socket: { remoteAddress } }: IncomingMessage): string =>
  `a client at ${(remoteAddress ?? 'an unknown address').replace(/^::ffff:/, '')}`;
