/**
 * Puts text on the clipboard. False when the browser does not let it; the caller then shows the text.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    // Missing where the page came over plain HTTP, as it does to a phone on the LAN.
    await (navigator.clipboard as Clipboard | undefined)?.writeText(text);
    return 'clipboard' in navigator;
  } catch (fault) {
    if (fault instanceof DOMException) return false;
    throw fault;
  }
}
