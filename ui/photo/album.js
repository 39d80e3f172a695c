// Several photos at once: each is read when it is looked at first, and keeps its corrections.

/**
 * element: with two buttons and a sentence; onRead(file): reads it, and it is on the screen; state(): what is to be
 * kept of the photo on the screen; onReturn(state): shows that again. Returns {open(files), arrived(), clear()}.
 */
export function createAlbum({ element, onRead, state, onReturn }) {
  const sentence = element.querySelector("p");
  const [previous, next] = [element.querySelector(".previous"), element.querySelector(".next")];
  let photos = []; // {file, state, isRead: whether it is the one on the screen}
  let at = 0;

  function show() {
    element.hidden = photos.length < 2;
    sentence.textContent = `Photo ${at + 1} of ${photos.length}`;
    previous.disabled = at === 0;
    next.disabled = at === photos.length - 1;
  }

  function goTo(i) {
    if (photos[at].isRead) photos[at].state = state();
    at = i;
    show();
    if (photos[at].state) onReturn(photos[at].state);
    else onRead(photos[at].file);
  }

  previous.addEventListener("click", () => goTo(at - 1));
  next.addEventListener("click", () => goTo(at + 1));

  return {
    open(files) {
      photos = files.map((file) => ({ file, state: null, isRead: false }));
      at = 0;
      show();
      onRead(files[0]);
    },
    /** The photo that is looked at was read. */
    arrived() {
      if (photos[at]) photos[at].isRead = true;
    },
    clear() {
      photos = [];
      at = 0;
      show();
    },
  };
}
