"""FAISS indexes over the gallery, and the image vectors they lead to."""
