// Shrinks a photo for slow networks before it is sent, and shows a preview.
'use strict';

const MAX_SIDE = 2000; // pixels: a document stays readable
const QUALITY = 0.85;
const MAX_READ = 50_000_000; // bytes: larger files are shrunk or rejected

// After a line was too slow: a document is still readable.
const SMALLER = [{ side: 1400, quality: 0.75 }, { side: 1000, quality: 0.6 }];

/**
 * Returns the photo as an upright JPEG without metadata. A photo that is smaller as it is, and a file that the browser cannot
 * decode (HEIC on a computer, not a photo), are returned unchanged: the server reports the error. The result is in memory, so
 * it can be sent whatever happens to the file. Fails if the file cannot be read.
 */
async function shrinkPhoto(file, side = MAX_SIDE, quality = QUALITY) {
  const bytes = file.size > MAX_READ ? null : await file.arrayBuffer();
  const original = bytes ? new File([bytes], file.name, { type: file.type }) : file;
  try {
    const image = await createImageBitmap(original, { imageOrientation: 'from-image' });
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    const paint = canvas.getContext('2d');
    paint.fillStyle = 'white'; // JPEG has no transparency
    paint.fillRect(0, 0, canvas.width, canvas.height);
    paint.drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    const jpeg = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', quality));
    if (!jpeg || (scale === 1 && jpeg.size >= file.size && bytes && isTaken(bytes))) return original;
    return new File([jpeg], file.name.replace(/\.\w+$/, '') + '.jpg', { type: 'image/jpeg' });
  } catch {
    return original;
  }
}

/** Returns whether the server takes a format, by the first bytes: JPEG, PNG or WebP. A name may say anything. */
function isTaken(bytes) {
  const head = String.fromCharCode(...new Uint8Array(bytes.slice(0, 12)));
  return head.startsWith('\xFF\xD8\xFF') || head.startsWith('\x89PNG\r\n\x1A\n') || /^RIFF[^]{4}WEBP/.test(head);
}

/** One photo question: a file input, a button for the camera and a preview. */
class PhotoQuestion {
  /** Resolves when the chosen photo is ready to be sent: to false if it cannot be read. */
  ready = Promise.resolve(true);
  /** Sizes that were not tried yet. */
  sizes = [...SMALLER];

  /** @param {Element} question @param {() => void} unreadable called at once if a chosen photo cannot be read */
  constructor(question, unreadable) {
    this.unreadable = unreadable;
    this.input = question.querySelector('input[type=file]');
    this.preview = question.querySelector('.preview');
    this.input.addEventListener('change', () => this.take(this.input.files[0]));
    this.preview.addEventListener('error', () => { this.preview.hidden = true; });
    // A browser that returns to the page may restore a file that was never read.
    addEventListener('pageshow', () => !this.preview.src && this.input.files[0] && this.take(this.input.files[0]));
    // An input that opens the camera cannot open the gallery, so phones get both: a button and the plain input.
    if (matchMedia('(pointer: coarse)').matches) this.offerCamera(question.querySelector('.camera'));
  }

  offerCamera(button) {
    const camera = document.createElement('input');
    Object.assign(camera, { type: 'file', accept: this.input.accept });
    camera.setAttribute('capture', 'environment');
    camera.addEventListener('change', () => camera.files[0] && this.take(camera.files[0]));
    button.addEventListener('click', () => camera.click());
    button.hidden = false;
  }

  /** Makes the photo smaller, for a slow line. Returns whether that was possible. */
  async shrink() {
    const file = this.input.files[0];
    while (file && this.sizes.length > 0) {
      const { side, quality } = this.sizes.shift();
      const small = await shrinkPhoto(file, side, quality);
      if (small.size < file.size * 0.9) {
        this.put(small);
        return true;
      }
    }
    return false;
  }

  /** Prepares a chosen file. A file that is chosen later replaces it. */
  take(file) {
    this.sizes = [...SMALLER];
    URL.revokeObjectURL(this.preview.src);
    this.preview.removeAttribute('src');
    // Reserve the space of the preview immediately, so that nothing moves later.
    this.preview.hidden = !file;
    const ready = file ? this.prepare(file, () => this.ready === ready) : Promise.resolve(true);
    this.ready = ready;
  }

  /** Reads a file now, since its app may change or delete it before it is sent. Returns whether that was possible. */
  async prepare(file, isLatest) {
    const small = await shrinkPhoto(file).catch(() => null);
    if (!isLatest()) return this.ready;
    if (small) this.put(small);
    else this.drop();
    return Boolean(small);
  }

  /** Removes a photo that cannot be read. */
  drop() {
    this.input.value = '';
    this.preview.hidden = true;
    this.unreadable();
  }

  /** Puts a photo into the form's file input, so that the script and the browser submit the same file. */
  put(file) {
    const chosen = new DataTransfer();
    chosen.items.add(file);
    this.input.files = chosen.files;
    this.preview.src = URL.createObjectURL(file);
    this.preview.hidden = false;
  }
}
