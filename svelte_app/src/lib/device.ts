/**
 * True if the person uses a mouse or a trackpad, which can drag files. False on phones and tablets.
 */
export const hasMouse = matchMedia('(hover: hover)').matches;
