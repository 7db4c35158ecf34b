/** Notes in the order in which they came, kept as long as the process lives. */
export class Notes {
  #notes = [];

  list() {
    return [...this.#notes];
  }

  add(text) {
    if (typeof text !== "string" || text.trim() === "") {
      throw Object.assign(new Error("a note is a text that is not empty"), { status: 400 });
    }
    const note = { id: this.#notes.length + 1, text: text.trim() };
    this.#notes.push(note);
    return note;
  }
}
