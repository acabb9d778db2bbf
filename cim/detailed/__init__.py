"""Captions measured on COCO-LN500 and DOCCI500, as the CIM and SC-Captioner papers do, and more strictly."""
