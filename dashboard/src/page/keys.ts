/** Whether a key is meant for a field, a dialog or the browser, and so not for the page. */
export function isWriting(event: KeyboardEvent): boolean {
  const { target } = event;
  const isInField = target instanceof Element && target.closest("input, textarea, select, dialog") !== null;
  return isInField || event.ctrlKey || event.metaKey || event.altKey;
}
