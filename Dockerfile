# docker build -t digits . && docker run -p 7860:7860 digits
FROM python:3.11-slim
RUN useradd --create-home --uid 1000 digits
WORKDIR /home/digits/app
# What is installed changes less often than the code: its layer is kept.
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
USER digits
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --start-period=60s --timeout=10s CMD python -c "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/health')"
CMD ["python", "app.py"]
