/**
 * The real world as the upload queue needs it: wire, clock, chance, network state.
 */
import { isOffline } from '../offline';
import { token } from '../token.svelte';
import { uuid } from '../uuid';
import type { QueueEnvironment } from './request-queue';
import { isReadable, sendByXhr, type Send } from './xhr-transport';

/** Sends; where the server asks for its token, once more with the one the person gives. */
const sendWithToken: Send = async (outgoing, onBytes, signal) => {
  for (;;) {
    const used = token.value;
    const outcome = await sendByXhr({ ...outgoing, headers: token.headers }, onBytes, signal);
    const refused = outcome.kind === 'answered' && outcome.status === 401;
    if (!refused || !(await token.renew(used))) return outcome;
  }
};

export const browserEnvironment: QueueEnvironment = {
  send: sendWithToken,
  readable: isReadable,
  online: () => !isOffline(),
  now: () => Date.now(),
  random: () => Math.random(),
  later: (run, ms) => void setTimeout(run, ms),
  newKey: uuid,
};
