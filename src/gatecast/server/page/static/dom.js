/**
 * Elements are made here alone, out of text nodes and attributes.
 *
 * Names of series come from anybody, so no text is ever read as HTML anywhere on this page.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children; a string among them becomes text, null and false become nothing.
 * @param {string} tag
 * @param {Object<string, string | number | boolean | null>} [attributes] true stands without a value, false not at all
 * @param {...(Node | string | number | null | false)} children
 */
export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for an element of SVG. */
export function makeSvg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Put children in the place of all that was there. */
export function refill(element, ...children) {
  element.replaceChildren(...children.filter(shown).map(node));
  return element;
}

/** Write a text only where it differs, so that nothing is drawn or read out anew for nothing. */
export function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** A button that does something. */
export function button(text, action, attributes = {}) {
  const made = make("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", action);
  return made;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  return refill(element, ...children);
}

const shown = (child) => child !== null && child !== false;
const node = (child) => (child instanceof Node ? child : document.createTextNode(String(child)));
