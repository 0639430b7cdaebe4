/**
 * Copies text to the clipboard. Returns false if the browser does not allow it; the caller then shows the
 * text for manual copying.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    // The API is missing on pages served over plain HTTP, for example to a phone on the LAN.
    await (navigator.clipboard as Clipboard | undefined)?.writeText(text);
    return 'clipboard' in navigator;
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}
