// Shrinks a photo for slow networks before it is sent, and shows a preview.
'use strict';

const MAX_SIDE = 2000; // pixels: a document stays readable
const QUALITY = 0.85;

// After a line was too slow: a document is still readable.
const SMALLER = [{ side: 1400, quality: 0.75 }, { side: 1000, quality: 0.6 }];

/**
 * Returns the photo as an upright JPEG without metadata. A file that the browser cannot decode (HEIC on a computer, not a
 * photo) is returned unchanged: the server reports the error.
 */
async function shrinkPhoto(file, side = MAX_SIDE, quality = QUALITY) {
  try {
    const image = await createImageBitmap(file, { imageOrientation: 'from-image' });
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
    if (!jpeg || (scale === 1 && jpeg.size >= file.size)) return file;
    return new File([jpeg], file.name.replace(/\.\w+$/, '') + '.jpg', { type: 'image/jpeg' });
  } catch {
    return file;
  }
}

/** One photo question: a file input, a button for the camera and a preview. */
class PhotoQuestion {
  /** Resolves when the chosen photo is ready to be sent. */
  ready = Promise.resolve();
  /** Sizes that were not tried yet. */
  sizes = [...SMALLER];

  constructor(question) {
    this.input = question.querySelector('input[type=file]');
    this.preview = question.querySelector('.preview');
    this.input.addEventListener('change', () => this.take(this.input.files[0]));
    this.preview.addEventListener('error', () => { this.preview.hidden = true; });
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
    const ready = file ? shrinkPhoto(file).then((small) => this.ready === ready && this.put(small)) : Promise.resolve();
    this.ready = ready;
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
