/**
 * Whether the server can be out of reach for want of a network. Called by the queue and the socket.
 */

/** A server on this very machine needs no network: a browser in flight mode says offline all the same. */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127\./.test(hostname);

export const isOffline = (): boolean => !navigator.onLine && !isLoopback(location.hostname);
