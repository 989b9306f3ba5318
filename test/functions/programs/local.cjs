/** A module of the user's own. */
exports.shout = (text) => `${text.toUpperCase()}!`;
