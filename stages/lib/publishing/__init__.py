"""What users take home: one folder with the model, its vectors and a card; and where it goes."""
