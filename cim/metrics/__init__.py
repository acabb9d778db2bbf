"""What captions are judged by: ground truth, retrieval, wording, and how sure a difference is."""
