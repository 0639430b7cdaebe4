/**
 * The request queue's environment in a browser: XMLHttpRequest, clock, random numbers, network state.
 */
import { isOffline } from '../offline';
import { token } from '../token.svelte';
import { uuid } from '../uuid';
import type { QueueEnvironment } from './request-queue';
import { isReadable, sendByXhr, type Send } from './xhr-transport';

/** Sends a request. After a 401 it asks the person for the access token and sends the request again. */
const sendWithToken: Send = async (outgoing, onBytes, signal) => {
  for (;;) {
    const usedToken = token.value;
    const outcome = await sendByXhr({ ...outgoing, headers: token.headers }, onBytes, signal);
    const unauthorized = outcome.kind === 'response' && outcome.status === 401;
    if (!unauthorized || !(await token.requestNew(usedToken))) return outcome;
  }
};

export const browserEnvironment: QueueEnvironment = {
  send: sendWithToken,
  isReadable,
  isOnline: () => !isOffline(),
  now: () => Date.now(),
  random: () => Math.random(),
  setTimer: (run, ms) => void setTimeout(run, ms),
  newKey: uuid,
};
