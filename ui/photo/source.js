// Where photos come from: the file chooser, a phone's camera, a drop, the clipboard, an example, a webcam.

/** All that call themselves pictures, or else the first, so that it is said what is wrong with it. */
export function picturesIn(files) {
  const pictures = [...files].filter(({ type }) => type.startsWith("image/"));
  return pictures.length > 0 ? pictures : [...files].slice(0, 1);
}

/** element: the tab; onFiles, onExample(name): something was chosen; complain: says why something was not. */
export function mountSources({ element, onFiles, onExample, complain }) {
  const find = (selector) => element.querySelector(selector);
  const frame = find(".frame");

  for (const input of [find(".file"), find(".shot")]) {
    input.addEventListener("change", () => {
      if (input.files.length > 0) onFiles([...input.files]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  find(".choose").addEventListener("click", () => find(".file").click());
  const isPhone = () => matchMedia("(hover: none)").matches; // whose frame invites to take a photo
  find(".invitation").addEventListener("click", () => find(isPhone() ? ".shot" : ".file").click());
  for (const button of element.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => onExample(button.dataset.example));
  }

  // A file dropped beside the frame counts too, or the browser would leave the page and open it.
  const isShown = () => element.checkVisibility();
  const carriesFiles = (event) => isShown() && event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    frame.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && frame.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    frame.classList.remove("dropping");
    if (event.dataTransfer.files.length > 0) onFiles(picturesIn(event.dataTransfer.files));
  });

  addEventListener("paste", (event) => {
    if (!isShown() || event.clipboardData.files.length === 0) return; // text goes wherever it is pasted
    event.preventDefault();
    onFiles(picturesIn(event.clipboardData.files));
  });
  find(".paste").addEventListener("click", async () => {
    try {
      const items = await navigator.clipboard.read();
      const kinds = items.flatMap((item) => item.types.map((type) => ({ item, type })));
      const picture = kinds.find(({ type }) => type.startsWith("image/"));
      if (!picture) return complain("There is no picture on the clipboard.");
      onFiles([await picture.item.getType(picture.type)]);
    } catch {
      complain("Your browser does not let this button read the clipboard. Please press Ctrl+V instead.");
    }
  });

  mountCamera({ find, onFiles, complain });
}

function mountCamera({ find, onFiles, complain }) {
  const dialog = find(".finder");
  const video = find("video");

  find(".camera").addEventListener("click", async () => {
    if (matchMedia("(pointer: coarse)").matches) return find(".shot").click(); // a phone's own camera is better
    try {
      const wanted = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
      dialog.showModal();
    } catch (error) {
      complain(
        error.name === "NotAllowedError"
          ? "This page may not use the camera. Please allow it in your browser, beside the page\u2019s address."
          : "No camera was found. Please choose a photo instead.",
      );
    }
  });
  find(".cancel").addEventListener("click", () => dialog.close());
  find(".take").addEventListener("click", () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((shot) => shot && onFiles([shot]), "image/jpeg", 0.95);
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  });
}
