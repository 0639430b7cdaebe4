/**
 * The real world as the upload queue needs it: wire, clock, chance, network state.
 */
import { networkAway } from '../network';
import { uuid } from '../uuid';
import type { QueueEnvironment } from './queue';
import { isReadable, sendByXhr } from './transport';

export const environment: QueueEnvironment = {
  send: sendByXhr,
  readable: isReadable,
  online: () => !networkAway(),
  now: () => Date.now(),
  random: () => Math.random(),
  later: (run, ms) => void setTimeout(run, ms),
  newKey: uuid,
};
