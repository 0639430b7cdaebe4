/**
 * Detects whether the browser is offline. While it is, the upload queue sends nothing.
 */

/** A server on the same machine is reachable without a network, although the browser reports "offline". */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127\./.test(hostname);

export const isOffline = (): boolean => !navigator.onLine && !isLoopback(location.hostname);
