"""The pages that the app serves to people: made of its own description and of its documentation, without scripts."""
